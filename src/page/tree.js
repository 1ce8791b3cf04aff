// SPDX-License-Identifier: Apache-2.0

// The repositories as a tree of lists, with a filter.  A list shows CHUNK
// entries at a time, and a directory makes its list when it is opened.

import { get } from './registry.js';
import { button, link, make, visible } from './dom.js';
import { word } from './words.js';

const CHUNK = 200;

function treeOf(names) {
  const root = new Map();
  for (const name of names) {
    let level = root;
    for (const part of name.split('/')) {
      if (!level.has(part)) {
        level.set(part, { children: new Map() });
      }
      level = level.get(part).children;
    }
    level.repository = name;
  }
  return root;
}

// Return the name of the repository that the page shows.
function current() {
  return new URLSearchParams(location.search).get('repository') ?? undefined;
}

function markLinks(place) {
  for (const anchor of place.querySelectorAll('a')) {
    if (new URLSearchParams(anchor.search).get('repository') === current()) {
      anchor.setAttribute('aria-current', 'page');
    } else {
      anchor.removeAttribute('aria-current');
    }
  }
}

// Fill a list with items, CHUNK at a time.
function chunked(items, show) {
  const list = make('ul');
  let shown = 0;
  const step = (event) => {
    event?.target.parentNode.remove();
    list.append(...items.slice(shown, shown + CHUNK).map(show));
    markLinks(list);
    shown += CHUNK;
    if (shown < items.length) {
      list.append(make('li', {}, button(word('more'), step)));
    }
    if (event) {
      list.children[shown - CHUNK].querySelector('a, button').focus();
    }
  };
  step();
  return list;
}

function nameLink(name, text) {
  return link({ repository: name }, make('bdi', {}, visible(text)));
}

function branch([part, node], prefix) {
  const path = prefix + part;
  const { repository } = node.children;
  const item = make('li');
  if (node.children.size > 0) {
    const toggle = button('', () => {
      const open = toggle.getAttribute('aria-expanded') !== 'true';
      toggle.setAttribute('aria-expanded', open);
      if (open) {
        item.append(level(node.children, `${path}/`));
      } else {
        item.lastChild.remove();
      }
    }, { 'aria-expanded': 'false', class: 'toggle',
      'aria-label': word('expand', { name: path }) });
    item.append(toggle);
    if (!repository) {
      item.append(make('bdi', {}, visible(part)));
    }
    if (current()?.startsWith(`${path}/`)) {
      toggle.click();
    }
  }
  if (repository) {
    item.insertBefore(nameLink(repository, part),
      item.querySelector('.toggle + ul'));
  }
  return item;
}

function level(nodes, prefix) {
  return chunked([...nodes], (entry) => branch(entry, prefix));
}

async function load() {
  const names = [];
  let path = '/v2/_catalog?n=10000';
  while (path) {
    const { body, next } = await get(path);
    names.push(...(body.repositories ?? []));
    path = next;
  }
  return names;
}

function setOpen(place, toggle, open) {
  toggle.setAttribute('aria-expanded', open);
  place.toggleAttribute('data-closed', !open);
}

// Make the button that opens the tree on a narrow screen.
function opener(place) {
  const toggle = button(word('repositories'), () =>
    setOpen(place, toggle, place.hasAttribute('data-closed')),
  { id: 'tree-toggle' });
  return toggle;
}

// Mark the repository that is open.  On a narrow screen the tree is closed then.
export function markTree(place) {
  const toggle = place.querySelector('#tree-toggle');
  markLinks(place);
  if (toggle) {
    setOpen(place, toggle, current() === undefined);
  }
}

// Show the tree in an element.
export async function showTree(place) {
  const count = make('p', { class: 'note', role: 'status' }, word('loading'));
  const filter = make('input', { type: 'search', id: 'filter',
    autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });
  const holder = make('div', { class: 'tree' });
  place.replaceChildren(opener(place),
    make('div', {}, make('h2', {}, word('repositories')),
      make('label', { for: 'filter' }, word('filter')), filter, count, holder));
  markTree(place);
  const names = await load();
  const tree = treeOf(names);
  const show = () => {
    const text = filter.value.trim().toLowerCase();
    const found = text ? names.filter((name) => name.includes(text)) : names;
    count.textContent = names.length === 0 ? word('none')
      : found.length === 0 ? word('noMatch')
        : word('counted', { n: found.length, total: names.length });
    holder.replaceChildren(text
      ? chunked(found, (name) => make('li', {}, nameLink(name, name)))
      : level(tree, ''));
  };
  filter.addEventListener('input', show);
  show();
  const anchor = place.querySelector('[aria-current]');
  if (anchor) {
    place.scrollTop = anchor.offsetTop - place.clientHeight / 2;
  }
}
