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

export class Failure extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

// Tokens are for a repository, or for the list of repositories.
function scopeOf(path) {
  const name = /^\/v2\/(.+?)\/(?:_mod_oci|manifests|blobs|tags|referrers)\//
    .exec(path)?.[1];
  return name ? `repository:${name}:pull,delete`
    : path.startsWith('/v2/_catalog') ? 'registry:catalog:*' : '';
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
    return await fetch(url, { credentials: 'same-origin', cache: 'no-cache', ...options });
  } catch {
    throw new Failure(word('unreachable'), 0);
  }
}

// Get a token for a challenge, from this server only.
async function getToken(challenge, scope) {
  const { realm, service } = parameters(challenge);
  const url = new URL(realm, location.href);
  if (url.origin !== location.origin) {
    throw new Failure(word('foreignTokens', { host: url.host }), 401);
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
  const { token } = await answer.json();
  return token;
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
  const challenge = answer.headers.get('WWW-Authenticate') ?? '';
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
    message = (await answer.json()).errors.map((e) => e.message).join('; ');
  } catch {
    message = '';
  }
  return new Failure(message ? `${own} (${message})` : own, status);
}

async function checked(path, method = 'GET') {
  const answer = await request(path, method);
  if (!answer.ok) {
    throw await failure(answer);
  }
  return answer;
}

// Get JSON, and the path of the next page of a list.
export async function get(path) {
  const answer = await checked(path);
  const next = /<([^>]+)>\s*;\s*rel="?next/.exec(answer.headers.get('Link') ?? '');
  try {
    return { body: await answer.json(), next: next?.[1] };
  } catch {
    throw new Failure(word('notJson'), answer.status);
  }
}

// Get a text of at most limit bytes; undefined if it is not UTF-8.
export async function getText(path, limit) {
  const answer = await checked(path);
  if (Number(answer.headers.get('Content-Length')) > limit) {
    await answer.body?.cancel();
    throw new Failure(word('tooLarge'), answer.status);
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

export function loggedIn() {
  return login.user;
}

export function logOut() {
  tokens.clear();
  login.user = undefined;
  login.header = undefined;
}

// Check a user name and a password, and keep them for the next requests.
export async function logIn(user, password) {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  logOut();
  login.header = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  try {
    await checked('/v2/');
  } catch (error) {
    logOut();
    throw error.status === 401 ? new Failure(word('wrongLogin'), 401) : error;
  }
  login.user = user;
}
