// SPDX-License-Identifier: Apache-2.0

// The tags of a repository, page by page.

import { get } from './registry.js';
import { digest } from './copy.js';
import { button, link, make, pushed, size, tell, type, visible, whole }
  from './dom.js';
import { word } from './words.js';

const COLUMNS = ['tag', 'digest', 'type', 'platforms', 'size', 'pushed'];
const WAIT = 250; // milliseconds after the last key

function row(name, entry) {
  const cells = [
    link({ repository: name, tag: entry.tag }, make('bdi', {}, visible(entry.tag))),
    entry.digest ? digest(entry.digest) : word('unknown'),
    type(entry),
    make('span', {}, ...(entry.platforms ?? []).flatMap((platform, i) =>
      [i ? ', ' : '', whole(visible(platform))])),
    whole(size(entry.size, entry.incomplete)),
    pushed(entry),
  ];
  return make('tr', {}, ...cells.map((cell, i) =>
    make(i ? 'td' : 'th', i ? { 'data-label': word(COLUMNS[i]) }
      : { scope: 'row' }, cell)));
}

// Show the list in an element.
export async function showTags(place, name) {
  const filter = make('input', { type: 'search', id: 'tag-filter',
    autocomplete: 'off', spellcheck: 'false' });
  const order = make('select', { id: 'order' },
    make('option', { value: 'pushed' }, word('newest')),
    make('option', { value: 'name' }, word('byName')));
  const count = make('p', { class: 'note', role: 'status' }, word('loading'));
  const body = make('tbody');
  const more = make('p');
  place.replaceChildren(make('h2', { tabindex: '-1' }, word('tags', { name })),
    make('div', { class: 'controls' },
      make('label', { for: 'tag-filter' }, word('filterTags')), filter,
      make('label', { for: 'order' }, word('order')), order),
    count,
    make('table', {}, make('thead', {}, make('tr', {},
      ...COLUMNS.map((key) => make('th', { scope: 'col' }, word(key))))), body),
    more);

  let latest = 0; // a later list replaces the answer to an earlier request
  const load = async (path, first) => {
    const mine = latest += 1;
    const { body: page, next } = await get(path);
    if (mine !== latest) {
      return;
    }
    const rows = (page.tags ?? []).map((entry) => row(name, entry));
    if (first) {
      body.replaceChildren(...rows);
    } else {
      body.append(...rows);
      rows[0]?.querySelector('a').focus();
    }
    order.value = page.sort ?? order.value; // the registry may know one only
    const n = body.children.length;
    count.textContent = n === 0 ? word(filter.value ? 'noMatch' : 'noTags')
      : page.total === undefined ? word('tagCount', { n })
        : word('tagTotal', { n, total: page.total });
    more.replaceChildren(...(next
      ? [button(word('more'), () => load(next, false).catch(report))] : []));
  };
  const report = (error) => tell(error.message);
  const reload = () => load(`/v2/${name}/_mod_oci/tags?${new URLSearchParams({
    sort: order.value, ...(filter.value ? { q: filter.value } : {}) })}`, true);
  let timer;
  filter.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => reload().catch(report), WAIT);
  });
  order.addEventListener('change', () => reload().catch(report));
  await reload();
}
