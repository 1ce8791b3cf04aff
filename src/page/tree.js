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
      const node = level.get(part);
      node.last = part;
      level = node.children;
    }
    level.repository = name;
  }
  return root;
}

// Fill a list with items, CHUNK at a time.
function chunked(items, show) {
  const list = make('ul');
  let shown = 0;
  const step = (event) => {
    event?.target.parentNode.remove();
    list.append(...items.slice(shown, shown + CHUNK).map(show));
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

function nameLink(name, text, current) {
  const anchor = link({ repository: name }, make('bdi', {}, visible(text)));
  if (name === current) {
    anchor.setAttribute('aria-current', 'page');
  }
  return anchor;
}

function branch([part, node], prefix, current) {
  const path = prefix + part;
  const { repository } = node.children;
  const item = make('li');
  if (node.children.size > 0) {
    const toggle = button('', () => {
      const open = toggle.getAttribute('aria-expanded') !== 'true';
      toggle.setAttribute('aria-expanded', open);
      if (open) {
        item.append(level(node.children, `${path}/`, current));
      } else {
        item.lastChild.remove();
      }
    }, { 'aria-expanded': 'false', class: 'toggle',
      'aria-label': word('expand', { name: path }) });
    item.append(toggle);
    if (!repository) {
      item.append(make('bdi', {}, visible(part)));
    }
    if (current?.startsWith(`${path}/`)) {
      toggle.click();
    }
  }
  if (repository) {
    item.insertBefore(nameLink(repository, part, current),
      item.querySelector('.toggle + ul'));
  }
  return item;
}

function level(nodes, prefix, current) {
  return chunked([...nodes], (entry) => branch(entry, prefix, current));
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

// Show the tree in an element; current names the repository that is open.
export async function showTree(place, current) {
  const count = make('p', { class: 'note', role: 'status' }, word('loading'));
  const filter = make('input', { type: 'search', id: 'filter',
    autocomplete: 'off', spellcheck: 'false' });
  const holder = make('div', { class: 'tree' });
  place.replaceChildren(make('h2', {}, word('repositories')),
    make('label', { for: 'filter' }, word('filter')), filter, count, holder);
  const names = await load();
  const tree = treeOf(names);
  const show = () => {
    const text = filter.value.trim().toLowerCase();
    const found = text ? names.filter((name) => name.includes(text)) : names;
    count.textContent = names.length === 0 ? word('none')
      : found.length === 0 ? word('noMatch')
        : word('counted', { n: found.length, total: names.length });
    holder.replaceChildren(text
      ? chunked(found, (name) => make('li', {}, nameLink(name, name, current)))
      : level(tree, '', current));
  };
  filter.addEventListener('input', show);
  show();
}
