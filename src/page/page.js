// SPDX-License-Identifier: Apache-2.0

// The page: what its address names is shown.  The query names a repository, a
// tag or a digest, so that the server sees it too; the part behind "#" names a
// section.

import { loggedIn, logIn, logOut } from './registry.js';
import { button, make, tell } from './dom.js';
import { showManifest } from './manifest.js';
import { showTags } from './tags.js';
import { showTree } from './tree.js';
import { word } from './words.js';

const tree = make('nav', { 'aria-label': word('repositories'), id: 'tree' });
const main = make('main', { id: 'main' });
const account = make('div', { id: 'account' });

function problem(place, error, retry) {
  const parts = [make('p', { role: 'alert' }, error.message),
    button(word('retry'), retry)];
  if (error.status === 401) {
    parts.push(' ', button(word('login'), askLogin));
  }
  place.replaceChildren(...parts);
}

function drawAccount() {
  account.replaceChildren(...(loggedIn()
    ? [word('loggedIn', { user: loggedIn() }), ' ', button(word('logout'), () => {
      logOut();
      drawAccount();
      draw();
      tell(word('loggedOut'));
    })]
    : [button(word('login'), askLogin)]));
}

function askLogin() {
  const user = make('input', { id: 'user', autocomplete: 'username' });
  const password = make('input', { id: 'password', type: 'password',
    autocomplete: 'current-password' });
  const answer = make('p', { role: 'alert' });
  const form = make('form', { submit: async (event) => {
    event.preventDefault();
    try {
      await logIn(user.value, password.value);
    } catch (error) {
      answer.textContent = error.message;
      return;
    }
    dialog.close();
    drawAccount();
    draw();
  } },
  make('label', { for: 'user' }, word('userName')), user,
  make('label', { for: 'password' }, word('password')), password, answer,
  make('p', { class: 'controls' },
    button(word('cancel'), () => dialog.close()),
    make('button', { type: 'submit' }, word('login'))));
  const dialog = make('dialog', { 'aria-label': word('login'),
    close: () => dialog.remove() }, form);
  document.body.append(dialog);
  dialog.showModal();
}

function drawTree() {
  const current = new URLSearchParams(location.search).get('repository');
  return showTree(tree, current)
    .catch((error) => problem(tree, error, drawTree));
}

let drawing = 0;

async function drawMain() {
  const mine = drawing += 1;
  const query = new URLSearchParams(location.search);
  const name = query.get('repository');
  const tag = query.get('tag') ?? undefined;
  const reference = query.get('digest') ?? tag;
  const place = make('div');
  main.replaceChildren(make('p', {}, word('loading')));
  document.title = name ? `${name}${tag ? `:${tag}` : ''} – ${word('registry')}`
    : word('registry');
  try {
    if (!name) {
      place.append(make('p', {}, word('choose')));
    } else if (reference) {
      await showManifest(place, { name, tag, reference }, () =>
        visit(`?${new URLSearchParams({ repository: name })}`));
    } else {
      await showTags(place, name);
    }
  } catch (error) {
    problem(place, error, drawMain);
  }
  if (mine === drawing) {
    main.replaceChildren(place);
    showSection();
  }
}

function showSection() {
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function draw() {
  return Promise.all([drawTree(), drawMain()]);
}

function mark() {
  const current = new URLSearchParams(location.search).get('repository');
  for (const anchor of tree.querySelectorAll('a')) {
    if (new URLSearchParams(anchor.search).get('repository') === current) {
      anchor.setAttribute('aria-current', 'page');
    } else {
      anchor.removeAttribute('aria-current');
    }
  }
}

async function visit(address) {
  history.pushState(null, '', address);
  mark();
  await drawMain();
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
  mark();
  drawMain();
});

document.body.replaceChildren(
  make('header', {}, make('h1', {}, make('a', { href: '?' }, word('registry'))), account),
  make('div', { id: 'columns' }, tree, main),
  make('p', { id: 'status', role: 'status', 'aria-live': 'polite' }));
drawAccount();
draw();
