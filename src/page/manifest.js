// SPDX-License-Identifier: Apache-2.0

// The view of one manifest.

import { get, getText } from './registry.js';
import { commands } from './commands.js';
import { digest } from './copy.js';
import { deletion } from './deletion.js';
import { button, link, linked, longText, make, pushed, size, time, type, visible,
  whole } from './dom.js';
import { word, hasWord } from './words.js';

const TEXT_LIMIT = 1024 * 1024;     // bytes of what a referrer has
const MANIFEST_LIMIT = 4 * TEXT_LIMIT; // as OCIMaxManifestSize by default
const ROWS = 200;

const object = (value) => (value && typeof value === 'object' ? value : {});
const list = (value) => (Array.isArray(value) ? value : []);

function section(key, ...children) {
  return make('section', { 'aria-labelledby': key, id: `${key}-section` },
    make('h3', { id: key }, word(key)), ...children);
}

function table(columns, rows) {
  return make('table', {},
    make('thead', {}, make('tr', {}, ...columns.map((key) =>
      make('th', { scope: 'col' }, word(key))))),
    make('tbody', {}, ...rows.map((cells) => make('tr', {}, ...cells.map((cell, i) =>
      make('td', { 'data-label': word(columns[i]) }, cell))))));
}

// Make a list of names and values, at most ROWS of them.
function pairs(entries) {
  const shown = entries.slice(0, ROWS);
  return make('dl', {}, ...shown.flatMap(([name, value]) => [
    make('dt', {}, make('bdi', {}, visible(name))), make('dd', {}, linked(value))]),
  ...(shown.length < entries.length ? [make('dd', {}, word('andMore'))] : []));
}

// Return the platform of an image, which its config names.
function platformOf({ os, architecture, variant }) {
  return visible([os, architecture, variant]
    .filter((part) => part && typeof part === 'string').join('/'));
}

function facts(view) {
  const platform = platformOf(object(view.config));
  const rows = [['digest', digest(view.digest, true)],
    ['type', type(view)],
    ...(platform ? [['platform', platform]] : []),
    ['size', size(view.totalSize, view.incomplete)],
    ['pushed', pushed(view)]];
  if (view.pulled) {
    rows.push(['pulled', time(view.pulled)]);
  }
  if (list(view.tags).length) {
    rows.push(['otherTags', make('span', { class: 'tags' }, ...view.tags.map((tag) =>
      link({ repository: view.name, tag }, make('bdi', {}, visible(tag)))),
    ...(view.moreTags ? [word('andMore')] : []))]);
  }
  return make('dl', {}, ...rows.flatMap(([key, value]) =>
    [make('dt', {}, word(key)), make('dd', {}, value)]));
}

function layers(view) {
  const found = list(object(view.manifest).layers).slice(0, ROWS).map(object);
  if (found.length === 0) {
    return undefined;
  }
  const bytes = (layer) => (Number.isFinite(layer.size) ? layer.size : 0);
  const total = found.reduce((sum, layer) => sum + bytes(layer), 0);
  const rows = found.map((layer) => {
    const share = total ? Math.round(100 * bytes(layer) / total) : 0;
    return [digest(layer.digest), visible(layer.mediaType ?? ''), whole(size(layer.size)),
      make('span', { class: 'share' }, make('meter', { min: 0, max: 100,
        value: share, 'aria-hidden': 'true' }), `${share} %`)];
  });
  return section('layers', table(['digest', 'type', 'size', 'share'], rows));
}

function children(view) {
  const found = list(view.children);
  if (found.length === 0) {
    return undefined;
  }
  const rows = found.map((child) => [
    child.present ? link({ repository: view.name, digest: child.digest },
      visible(child.platform ?? word('unknown')))
      : `${visible(child.platform ?? word('unknown'))}, ${word('missing')}`,
    digest(child.digest), type(child),
    whole(size(child.totalSize ?? child.size))]);
  return section('children', table(['platform', 'digest', 'type', 'size'], rows),
    ...(view.moreChildren ? [make('p', {}, word('andMore'))] : []));
}

function config(view) {
  const inner = object(object(view.config).config);
  const history = list(object(view.config).history).slice(0, ROWS).map(object)
    .map((step) => step.created_by || step.comment).filter((text) => text);
  const simple = [['entrypoint', inner.Entrypoint], ['command', inner.Cmd],
    ['user', inner.User], ['workdir', inner.WorkingDir]]
    .filter(([, value]) => value && value.length);
  const parts = simple.map(([key, value]) => [word(key),
    list(value).length ? value.map(visible).join(' ') : value]);
  const environment = list(inner.Env).map((entry) => {
    const [, name, value] = /^([^=]*)=?(.*)$/s.exec(visible(entry));
    return [name, value];
  });
  const labels = Object.entries(object(inner.Labels));
  if (!parts.length && !environment.length && !labels.length && !history.length) {
    return view.kind === 'helm' && view.config
      ? section('config', pairs(Object.entries(view.config))) : undefined;
  }
  return section('config', pairs(parts),
    ...[['environment', environment], ['labels', labels]]
      .filter(([, entries]) => entries.length)
      .flatMap(([key, entries]) => [make('h4', {}, word(key)), pairs(entries)]),
    ...(history.length ? [make('h4', {}, word('history')), make('ol', {},
      ...history.map((step) => make('li', {},
        make('code', {}, visible(step)))))] : []));
}

function annotations(view) {
  const entries = Object.entries(object(object(view.manifest).annotations));
  return entries.length ? section('annotations', pairs(entries)) : undefined;
}

// Show the text of the first layer of a referrer.
async function showContent(place, name, reference) {
  place.textContent = word('loading');
  try {
    const { body } = await get(`/v2/${name}/manifests/${reference}`);
    const layer = list(body.layers ?? body.blobs)[0];
    const text = layer
      ? await getText(`/v2/${name}/blobs/${layer.digest}`, TEXT_LIMIT)
      : JSON.stringify(body, null, 2);
    place.replaceChildren(text === undefined ? word('notText')
      : longText(text));
  } catch (error) {
    place.textContent = error.message;
  }
}

function referrers(view) {
  const found = list(view.referrers);
  if (found.length === 0) {
    return undefined;
  }
  return section('referrers', make('ul', { class: 'referrers' }, ...found.map((entry) => {
    const content = make('div', { 'aria-live': 'polite' });
    const kind = hasWord(entry.kind) ? word(entry.kind) : word('artifact');
    return make('li', {},
      link({ repository: view.name, digest: entry.digest }, kind), ' ',
      digest(entry.digest), ' ', size(entry.size), ' ',
      button(word('content'), () => showContent(content, view.name, entry.digest)),
      content);
  })), ...(view.moreReferrers ? [make('p', {}, word('andMore'))] : []));
}

// Make the manifest as text, indented.
async function rawText(view) {
  const text = view.manifest ? undefined : await getText(
    `/v2/${view.name}/manifests/${view.digest}`, MANIFEST_LIMIT);
  try {
    return JSON.stringify(view.manifest ?? JSON.parse(text), null, 2);
  } catch {
    return text ?? word('notText');
  }
}

// The text may be large, so it is made when it is asked for.
function raw(view) {
  const place = make('div', { 'aria-live': 'polite' });
  const details = make('details', { toggle: async () => {
    if (!details.open || place.firstChild) {
      return;
    }
    place.textContent = word('loading');
    try {
      place.replaceChildren(longText(await rawText(view)));
    } catch (error) {
      place.textContent = error.message;
    }
  } }, make('summary', {}, word('showRaw')), place);
  return section('raw', details);
}

// Show a manifest in an element; after is for deletion().
export async function showManifest(place, { name, tag, reference }, after) {
  const { body: view } = await get(`/v2/${name}/_mod_oci/manifests/${reference}`);
  place.replaceChildren(...[
    make('p', { class: 'back' }, link({ repository: name }, word('tags', { name }))),
    make('h2', { tabindex: '-1' }, make('bdi', {},
      tag ? `${name}:${tag}` : `${name}@${reference.slice(0, 19)}…`)),
    facts(view), commands(view, tag),
    children(view), layers(view), config(view), annotations(view),
    referrers(view), raw(view), deletion(view, tag, after),
  ].filter((part) => part));
}
