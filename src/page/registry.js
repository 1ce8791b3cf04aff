// SPDX-License-Identifier: Apache-2.0

// Requests to the registry, with the visitor's own credentials: those that the
// browser adds (Basic, a certificate, a session's cookie), or those of the form
// "Log in", which are kept in this variable only, or tokens made with either.
//
// A page of another site cannot delete anything: the method DELETE needs a CORS
// preflight, and the registry does not allow it.

import { word, hasWord } from './words.js';

const login = { user: undefined, header: undefined };
const tokens = new Map(); // the scope of a path, to a token

// Who opened this page, if httpd has asked for a login.
const opener = {
  user: document.querySelector('meta[name=user]')?.content,
  type: document.querySelector('meta[name=auth-type]')?.content,
};

// This header makes the registry answer 401 without a challenge at which the
// browser would ask for a password, because the page asks itself, and makes
// mod_auth_openidc answer 401 instead of a redirect to another server.  If the
// browser has asked for the password already, it needs the challenge.
const HEADERS = opener.user && /^basic$/i.test(opener.type ?? '')
  ? {} : { 'X-Requested-With': 'XMLHttpRequest' };

export class Failure extends Error {
  // form: whether a user name and a password may help
  constructor(message, status, form) {
    super(message);
    this.status = status;
    this.form = form;
  }
}

// Tokens are for a repository, or for the list of repositories.
function scopeOf(path) {
  const name = /^\/v2\/(.+?)\/(?:_mod_oci|manifests|blobs|tags|referrers)\//
    .exec(path)?.[1];
  return name ? `repository:${name}:pull,delete`
    : path.startsWith('/v2/_catalog') ? 'registry:catalog:*' : '';
}

function challengeOf(answer) {
  return answer.headers.get('WWW-Authenticate') ?? '';
}

function parameters(challenge) {
  const found = {};
  for (const [, name, value] of challenge.matchAll(/(\w+)="([^"]*)"/g)) {
    found[name] = value;
  }
  return found;
}

async function send(url, options = {}) {
  try {
    return await fetch(url, { credentials: 'same-origin', cache: 'no-cache',
      ...options, headers: { ...HEADERS, ...options.headers } });
  } catch {
    throw new Failure(word('unreachable'), 0);
  }
}

// Get a token for a challenge, from this server only.
async function getToken(challenge, scope) {
  const { realm, service } = parameters(challenge);
  const url = new URL(realm, location.href);
  if (url.origin !== location.origin) {
    throw new Failure(word('foreignTokens', { host: url.host }), 0);
  }
  if (service) {
    url.searchParams.set('service', service);
  }
  if (scope) {
    url.searchParams.set('scope', scope);
  }
  const headers = login.header ? { Authorization: login.header } : {};
  const answer = await send(url, { headers });
  if (!answer.ok) {
    throw await failure(answer);
  }
  try {
    return (await answer.json()).token;
  } catch {
    throw new Failure(word('notJson'), answer.status);
  }
}

// Send a request; with a token if the registry asks for one.
async function request(path, method) {
  const scope = scopeOf(path);
  const headers = {};
  if (tokens.has(scope)) {
    headers.Authorization = `Bearer ${tokens.get(scope)}`;
  } else if (login.header) {
    headers.Authorization = login.header;
  }
  let answer = await send(path, { method, headers });
  const challenge = challengeOf(answer);
  if (answer.status === 401 && /^Bearer /i.test(challenge)) {
    tokens.set(scope, await getToken(challenge, scope));
    headers.Authorization = `Bearer ${tokens.get(scope)}`;
    answer = await send(path, { method, headers });
  }
  return answer;
}

// Say in words what a refused request means: the registry's own message, and
// what to do.
async function failure(answer) {
  const { status } = answer;
  const own = hasWord(`error${status}`) ? word(`error${status}`)
    : status >= 500 ? word('error5') : word('errorOther', { status });
  let message = '';
  try {
    message = status === 401 ? '' : (await answer.json()).errors.map((e) => e.message).join('; ');
  } catch {
    message = '';
  }
  return new Failure(message ? word('registrySays', { own, message }) : own, status,
    /^x?Basic |^Bearer /i.test(challengeOf(answer)));
}

async function checked(path, method = 'GET') {
  const answer = await request(path, method);
  if (!answer.ok) {
    throw await failure(answer);
  }
  return answer;
}

// Get an object of JSON, and the path of the next page of a list.
export async function get(path) {
  const answer = await checked(path);
  const next = /<([^>]+)>\s*;\s*rel="?next/.exec(answer.headers.get('Link') ?? '');
  let body;
  try {
    body = await answer.json();
  } catch {
    body = undefined;
  }
  if (!body || typeof body !== 'object') {
    throw new Failure(word('notJson'), answer.status);
  }
  return { body, next: next?.[1] };
}

// Get a text of at most limit bytes; undefined if it is not UTF-8.
export async function getText(path, limit) {
  const answer = await checked(path);
  if (Number(answer.headers.get('Content-Length')) > limit) {
    await answer.body?.cancel();
    throw new Failure(word('tooLarge', { limit: limit / 1048576 }), answer.status);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true })
      .decode(await answer.arrayBuffer());
  } catch {
    return undefined;
  }
}

export async function remove(path) {
  await checked(path, 'DELETE');
}

// Return the visitor's name, if it is known, and whether the form has it.
export function user() {
  return { name: login.user ?? opener.user, byForm: login.user !== undefined };
}

// Return whether a user name and a password can be used here.
export async function waysToLogIn() {
  try {
    const challenge = challengeOf(await send('/v2/'));
    if (!/^Bearer /i.test(challenge)) {
      return { form: /^x?Basic /i.test(challenge) };
    }
    await getToken(challenge);
    return { form: true };
  } catch (error) {
    return { form: error.form === true };
  }
}

export function logOut() {
  tokens.clear();
  login.user = undefined;
  login.header = undefined;
}

// Check a user name and a password, and keep them for the next requests.
export async function logIn(name, password) {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  logOut();
  login.header = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  try {
    await checked('/v2/');
  } catch (error) {
    logOut();
    throw error.status === 401 ? new Failure(word('wrongLogin'), 401) : error;
  }
  login.user = name;
}
