// SPDX-License-Identifier: Apache-2.0

// Deleting a tag or a manifest, after one question.

import { remove } from './registry.js';
import { button, make, visible } from './dom.js';
import { word } from './words.js';

// Ask in a dialog; resolves to whether the answer is yes.
function ask(question, details) {
  return new Promise((resolve) => {
    const dialog = make('dialog', { 'aria-labelledby': 'question',
      close: () => {
        dialog.remove();
        resolve(dialog.returnValue === 'yes');
      } },
    make('h2', { id: 'question' }, question), ...details,
    make('p', { class: 'controls' },
      button(word('no'), () => dialog.close('no'), { autofocus: true }),
      button(word('yes'), () => dialog.close('yes'), { class: 'danger' })));
    document.body.append(dialog);
    dialog.showModal();
  });
}

// Say what stays, and what goes later.
function whatStays(view) {
  return [...(view.kind === 'index' ? ['askChildren'] : ['askLayers']),
    ...(view.referrers?.length ? ['askReferrers'] : [])]
    .map((key) => make('p', {}, word(key)));
}

function tagsToo(view) {
  const tags = view.tags ?? [];
  return tags.length === 0 ? [make('p', {}, word('noTagsToo'))] : [make('p', {}, word('askList')),
    make('ul', {}, ...tags.map((tag) => make('li', {}, make('bdi', {}, visible(tag)))),
      ...(view.moreTags ? [make('li', {}, word('askMore'))] : []))];
}

// Make the section, or undefined if this visitor may delete nothing here.  After
// a deletion deleted is called with the view and what was deleted, after a refusal
// refused with the error.
export function deletion(view, tag, { deleted, refused }) {
  const may = view.mayDelete ?? {};
  const act = async (question, details, reference) => {
    if (!await ask(question, details)) {
      return;
    }
    try {
      await remove(`/v2/${view.name}/manifests/${reference}`);
    } catch (error) {
      await refused(error);
      return;
    }
    await deleted(view, reference === tag ? `${view.name}:${tag}`
      : `${view.name}@${reference}`);
  };
  const { name } = view;
  const buttons = [];
  if (tag && may.tag) {
    buttons.push(button(word('deleteTag', { tag }), () =>
      act(word('askTag', { tag, name }),
        [make('p', {}, word('askTagStays'))], tag), { class: 'danger' }));
  }
  if (may.digest) {
    const question = view.tags?.length ? 'askDigest' : 'askAlone';
    buttons.push(button(word('deleteDigest'), () =>
      act(word(question, { name, digest: `${view.digest.slice(0, 19)}…` }),
        [...tagsToo(view), ...whatStays(view), make('p', {}, word('noWayBack'))],
        view.digest),
    { class: 'danger' }));
  }
  return buttons.length === 0 ? undefined
    : make('section', { 'aria-labelledby': 'deletion' },
      make('h3', { id: 'deletion' }, word('deletion')),
      make('p', { class: 'controls' }, ...buttons));
}
