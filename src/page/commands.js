// SPDX-License-Identifier: Apache-2.0

// The commands that pull an artifact, by what it is.

import { button, make, tell } from './dom.js';
import { word } from './words.js';

function copyable(text) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      tell(word('copied'));
    } catch {
      getSelection().selectAllChildren(code);
      tell(word('notCopied'));
    }
  };
  const code = make('code', {}, text);
  return make('li', {}, code,
    button(word('copy'), copy, { 'aria-label': word('copyThis', { text }) }));
}

function commandsOf(kind, place, reference) {
  if (kind === 'helm') {
    const version = reference.startsWith(':') ? reference.slice(1) : '';
    // In a tag, helm writes "_" for the "+" of a version.
    return [version
      ? `helm pull oci://${place} --version ${version.replaceAll('_', '+')}`
      : `helm pull oci://${place}${reference}`, `oras pull ${place}${reference}`];
  }
  return kind === 'image' || kind === 'index'
    ? [`docker pull ${place}${reference}`, `podman pull ${place}${reference}`]
    : [`oras pull ${place}${reference}`];
}

// Make the section with the commands, by tag and by digest.
export function commands(view, tag) {
  const place = `${location.host}/${view.name}`;
  const references = tag ? [`:${tag}`, `@${view.digest}`] : [`@${view.digest}`];
  return make('section', { 'aria-labelledby': 'commands' },
    make('h3', { id: 'commands' }, word('commands')),
    make('ul', { class: 'commands' }, ...references
      .flatMap((reference) => commandsOf(view.kind, place, reference))
      .map(copyable)));
}
