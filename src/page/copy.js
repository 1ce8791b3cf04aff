// SPDX-License-Identifier: Apache-2.0

// Copying to the clipboard.

import { button, make, tell, visible } from './dom.js';
import { word } from './words.js';

// Copy a text.  Browsers have the API only on https and on this machine, and a
// visitor may refuse it.  Then the selection is copied; if not even that is
// allowed, it is left for the visitor to copy.
async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    tell(word('copied'));
    return;
  } catch {
    element.textContent = text;
    element.classList.add('full');
  }
  getSelection().selectAllChildren(element);
  tell(word(document.execCommand('copy') ? 'copied' : 'notCopied'));
}

// Make a button that copies a text, which the element shows, or its beginning.
export function copyButton(text, element, label) {
  return button(word('copy'), () => copy(text, element),
    { 'aria-label': label, title: label });
}

// Show the beginning of a digest, or all of it, with a button that copies it.
export function digest(value, whole) {
  const text = visible(value);
  const code = make('code', { title: text },
    whole ? text : `${text.slice(0, 19)}…`);
  return make('span', { class: 'digest' }, code, ' ',
    copyButton(text, code, word('copyDigest', { digest: text })));
}
