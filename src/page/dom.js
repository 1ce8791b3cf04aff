// SPDX-License-Identifier: Apache-2.0

// Making elements and showing values.  Text becomes a text node and nothing
// else, because it comes from strangers.

import { word } from './words.js';

// Make an element: properties are attributes, or functions for events.
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === 'function') {
      element.addEventListener(key, value);
    } else if (value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? '' : value);
    }
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function button(text, click, properties = {}) {
  return make('button', { type: 'button', click, ...properties }, text);
}

// Tell a message, also to screen readers.
export function tell(text) {
  document.getElementById('status').textContent = text;
}

const LONGEST = 4096; // characters of a value that are shown
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

// Show characters that are invisible, or turn the direction of text, as codes.
function coded(text) {
  return text.replace(HIDDEN, (c) =>
    `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// Move an end of a text by one if it would tear a character of two units.
function endOf(text, end) {
  return /[\ud800-\udbff]/.test(text.charAt(end - 1)) ? end + 1 : end;
}

// The same as coded() for a value of any type, which is cut if it is long.
export function visible(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value) ?? '';
  const end = endOf(text, LONGEST);
  return coded(text.length > end ? `${text.slice(0, end)}…` : text);
}

// Show the value of an annotation: a link only for http and https.
export function linked(value) {
  const text = visible(value);
  let url;
  try {
    url = /^https?:\/\/\S+$/i.test(text) ? new URL(text) : undefined;
  } catch {
    url = undefined;
  }
  return url
    ? make('a', { href: url.href, rel: 'noreferrer noopener', dir: 'ltr' }, text)
    : make('bdi', {}, text);
}

const PIECE = 8192; // characters; Chromium does not paint a line of millions

// Show all of a long text, which wraps.
export function longText(text) {
  const place = make('pre', { tabindex: '0' });
  for (let i = 0, end; i < text.length; i = end) {
    end = endOf(text, i + PIECE);
    place.append(coded(text.slice(i, end)));
  }
  return place;
}

// Make a text that is not broken into lines.
export function whole(text) {
  return make('span', { class: 'whole' }, text);
}

export function size(bytes, incomplete) {
  if (!Number.isFinite(bytes)) {
    return word('unknown');
  }
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit > 0 && value < 100 ? 1 : 0;
  const text = `${value.toFixed(digits)} ${units[unit]}`;
  return incomplete ? word('atLeast', { size: text }) : text;
}

const STEPS = [['year', 31536000], ['month', 2592000], ['day', 86400],
  ['hour', 3600], ['minute', 60], ['second', 1]];

function dateOf(text) {
  const when = new Date(text);
  return text && !Number.isNaN(when.getTime()) ? when : undefined;
}

function ago(when) {
  const seconds = (when.getTime() - Date.now()) / 1000;
  const [unit, length] = STEPS.find(([, step]) => Math.abs(seconds) >= step)
    ?? STEPS.at(-1);
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
    .format(Math.round(seconds / length), unit);
}

// Show a time relative to now, and exactly: in the visitor's time zone, and as
// the title in UTC.
export function time(text) {
  const when = dateOf(text);
  return when ? make('time', { datetime: when.toISOString(),
    title: when.toISOString() }, ago(when), ' ',
  make('span', { class: 'note' }, new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium', timeStyle: 'short' }).format(when)))
    : word('unknown');
}

// Show when and by whom something was pushed.
export function pushed(entry) {
  const cell = make('span', { class: 'pushed' }, time(entry.pushed));
  if (entry.user) {
    const [before, after] = word('by', { user: '\n' }).split('\n');
    cell.append(' ', make('span', { class: 'note' }, before,
      make('bdi', {}, visible(entry.user)), after));
  }
  return cell;
}

const TYPES = [
  [/cyclonedx|spdx|syft/, 'sbom'],
  [/cosign.*(sig|simplesigning)|notary.*signature|sigstore\.bundle/, 'signature'],
  [/in-toto|attestation/, 'attestation'],
  [/helm/, 'helm'],
  [/image\.index|manifest\.list/, 'index'],
  [/image\.(manifest|config)|docker\.(distribution\.manifest|container)/, 'image'],
];

// Name a media type in words; an artifact type says more.
export function type(entry) {
  const text = entry.artifactType || entry.mediaType || '';
  const found = TYPES.find(([pattern]) => pattern.test(text));
  return make('span', { title: visible(text) },
    found ? word(found[1]) : visible(entry.artifactType || '') || word('artifact'));
}

export function link(query, ...children) {
  return make('a', { href: `?${new URLSearchParams(query)}` }, ...children);
}
