// SPDX-License-Identifier: Apache-2.0

// Logging in and out, and who is logged in.

import { logIn, logOut, user, waysToLogIn } from './registry.js';
import { button, make, tell, visible } from './dom.js';
import { word } from './words.js';

// Ask for a user name and a password; changed is called after a login.
function ask(changed) {
  const name = make('input', { id: 'user', autocomplete: 'username',
    autocapitalize: 'none', spellcheck: 'false' });
  const password = make('input', { id: 'password', type: 'password',
    autocomplete: 'current-password' });
  const answer = make('p', { role: 'alert' });
  const form = make('form', { submit: async (event) => {
    event.preventDefault();
    try {
      await logIn(name.value, password.value);
    } catch (error) {
      answer.textContent = error.message;
      password.select();
      return;
    }
    dialog.close();
    changed();
  } },
  make('h2', { id: 'login-title' }, word('login')),
  make('label', { for: 'user' }, word('userName')), name,
  make('label', { for: 'password' }, word('password')), password, answer,
  make('p', { class: 'controls' },
    button(word('cancel'), () => dialog.close()),
    make('button', { type: 'submit', class: 'main' }, word('login'))));
  const dialog = make('dialog', { 'aria-labelledby': 'login-title',
    close: () => dialog.remove() }, form);
  document.body.append(dialog);
  dialog.showModal();
}

// Make what lets a visitor log in: the form; or, where httpd or another server
// asks for the login, a link that loads the page again, which a link with a part
// behind "#" would not.
export function loginControl(byForm, changed) {
  return byForm ? button(word('login'), () => ask(changed))
    : make('a', { href: location.href.replace(/#.*/s, '') }, word('loginAgain'));
}

// Show in an element who is logged in, and the way to log in or out.
export async function showAccount(place, changed) {
  const { name, byForm } = user();
  if (!name) {
    place.replaceChildren(...(await waysToLogIn()).form
      ? [loginControl(true, changed)] : []);
    return;
  }
  place.replaceChildren(make('span', {}, word('loggedIn', { user: visible(name) })),
    ...(byForm ? [button(word('logout'), () => {
      logOut();
      changed();
      tell(word('loggedOut'));
    })] : []));
}
