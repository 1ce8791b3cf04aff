// SPDX-License-Identifier: Apache-2.0

// The page: what its address names is shown.  The query names a repository, a
// tag or a digest, so that the server sees it too; the part behind "#" names a
// section.

import { pushCommands } from './commands.js';
import { button, make, tell } from './dom.js';
import { loginControl, showAccount } from './login.js';
import { showManifest } from './manifest.js';
import { showTags } from './tags.js';
import { markTree, showTree } from './tree.js';
import { word } from './words.js';

const tree = make('nav', { 'aria-label': word('repositories'), id: 'tree' });
const main = make('main', { id: 'main', tabindex: '-1' });
const account = make('div', { id: 'account' });

function shown() {
  const query = new URLSearchParams(location.search);
  const tag = query.get('tag') ?? undefined;
  return { name: query.get('repository') ?? undefined, tag,
    reference: query.get('digest') ?? tag };
}

function problem(place, error, retry) {
  place.replaceChildren(make('p', { role: 'alert', class: 'problem' }, error.message),
    make('p', { class: 'controls' },
      ...(error.status === 401 ? [loginControl(error.form, draw)] : []),
      button(word('retry'), retry)));
}

function drawTree() {
  return showTree(tree).catch((error) => {
    tree.removeAttribute('data-closed');
    problem(tree, error, drawTree);
  });
}

function title({ name, tag }) {
  return [...(name ? [`${name}${tag ? `:${tag}` : ''}`] : []), location.host,
    word('registry')].join(' – ');
}

let drawing = 0;

async function drawMain() {
  const mine = drawing += 1;
  const address = shown();
  const place = make('div');
  main.replaceChildren(make('p', { class: 'note' }, word('loading')));
  document.title = title(address);
  try {
    if (!address.name) {
      place.append(make('h2', { tabindex: '-1' }, word('choose')),
        make('p', {}, word('chooseWhy')), pushCommands());
    } else if (address.reference) {
      await showManifest(place, address, { deleted, refused });
    } else {
      await showTags(place, address.name);
    }
  } catch (error) {
    problem(place, error, drawMain);
  }
  if (mine === drawing) {
    main.replaceChildren(place);
    main.scrollTop = 0;
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }
}

function draw() {
  return Promise.all([showAccount(account, draw), drawTree(), drawMain()]);
}

async function visit(address) {
  tell('');
  history.pushState(null, '', address);
  markTree(tree);
  await drawMain();
  (main.querySelector('h2') ?? main).focus();
}

// After a deletion the list of tags is shown, after a refusal the state as it
// is.
async function deleted({ name }, what) {
  await visit(`?${new URLSearchParams({ repository: name })}`);
  tell(word('deleted', { what }));
}

async function refused(error) {
  await drawMain();
  main.prepend(make('p', { role: 'alert', class: 'problem' },
    word('notDeleted', { why: error.message })));
  (main.querySelector('h2') ?? main).focus();
}

// Follow the page's own links without loading it again.
document.addEventListener('click', (event) => {
  const address = event.target.closest?.('a')?.getAttribute('href');
  if (address?.startsWith('?') && !event.defaultPrevented && event.button === 0
    && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    visit(address);
  }
});
addEventListener('popstate', () => {
  tell('');
  markTree(tree);
  drawMain();
});

document.body.replaceChildren(
  make('header', {},
    button(word('skip'), () => main.focus(), { class: 'skip' }),
    make('h1', {}, make('a', { href: '?' }, word('registry'), ' ',
    make('span', { class: 'host' }, location.host))), account),
  make('div', { id: 'columns' }, tree, main),
  make('p', { id: 'status', role: 'status', 'aria-live': 'polite' }));
draw();
