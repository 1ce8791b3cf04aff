// SPDX-License-Identifier: Apache-2.0

// The commands that pull an artifact, by what it is, and those that push.

import { copyButton } from './copy.js';
import { make } from './dom.js';
import { word } from './words.js';

// What the clients need for a registry without TLS.  docker is configured for
// it, so it has no option.
const PLAIN = location.protocol === 'http:'
  ? { podman: ' --tls-verify=false', helm: ' --plain-http', oras: ' --plain-http' }
  : { podman: '', helm: '', oras: '' };

function copyable(text) {
  const code = make('code', {}, text);
  return make('li', {}, code, copyButton(text, code, word('copyThis', { text })));
}

function commandsOf(kind, place, reference) {
  const oras = `oras pull${PLAIN.oras} ${place}${reference}`;
  if (kind === 'helm') {
    // In a tag, helm writes "_" for the "+" of a version.
    const version = reference.startsWith(':')
      ? ` --version ${reference.slice(1).replaceAll('_', '+')}` : reference;
    return [`helm pull${PLAIN.helm} oci://${place}${version}`, oras];
  }
  return kind === 'image' || kind === 'index'
    ? [`docker pull ${place}${reference}`,
      `podman pull${PLAIN.podman} ${place}${reference}`]
    : [oras];
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

// Make the section that shows how to push, with words in place of the names.
export function pushCommands() {
  const image = `${location.host}/${word('pushName')}`;
  return make('section', { 'aria-labelledby': 'push' },
    make('h3', { id: 'push' }, word('push')),
    make('ul', { class: 'commands' },
      ...[`docker tag ${word('pushImage')} ${image}`, `docker push ${image}`]
        .map((text) => make('li', {}, make('code', {}, text)))));
}
