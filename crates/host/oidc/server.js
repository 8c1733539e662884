// The OpenID provider that stands in Google's place in development and tests: certified `oidc-provider`, an email instead of
// a password. Sign-ins are kept in memory only; the signing key is kept in a file, so that a restart changes nothing.
// The host starts it (crates/host/src/servers/oidc.rs); the other side of the conversation is functions/auth.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const names = new Map(config.people.map(({ email, name }) => [email, name]));

/** The signing key (RS256, as Google's), made at the first start. */
function keys() {
  try {
    return JSON.parse(readFileSync(config.jwks_file, 'utf8'));
  } catch {
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    const jwks = { keys: [{ ...key, use: 'sig', alg: 'RS256', kid: createHash('sha256').update(key.n).digest('hex').slice(0, 16) }] };
    writeFileSync(`${config.jwks_file}.new`, JSON.stringify(jwks), { mode: 0o600 });
    renameSync(`${config.jwks_file}.new`, config.jwks_file);
    return jwks;
  }
}

/** One subject per address, the same after a restart. */
const subjects = new Map();
function subjectOf(email) {
  const subject = createHash('sha256').update(email).digest('hex').slice(0, 21);
  subjects.set(subject, email);
  return subject;
}
for (const email of names.keys()) subjectOf(email);

function nameOf(email) {
  const words = email.split('@')[0].split(/[._+-]+/).filter(Boolean);
  return names.get(email) ?? words.map((word) => word[0].toUpperCase() + word.slice(1)).join(' ');
}

const provider = new Provider(config.issuer, {
  clients: [
    {
      client_id: config.client_id,
      client_secret: config.client_secret,
      redirect_uris: [config.redirect_uri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  jwks: keys(),
  cookies: { keys: [config.cookie_key] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  // Google puts email and name into the ID token; so does this.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 3600, Grant: 3600, Session: 3600 },
  findAccount: (_ctx, subject) => {
    const email = subjects.get(subject);
    if (!email) return undefined;
    return {
      accountId: subject,
      claims: () => ({ sub: subject, email, email_verified: true, name: nameOf(email) }),
    };
  },
  // Signing in is the consent.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
  renderError: (ctx, out) => {
    ctx.type = 'html';
    ctx.body = page('Sign-in failed', `<p>${escape(out.error_description ?? out.error)}</p>`);
  },
});

provider.use(async (ctx, next) => {
  // Who you are is asked at every sign-in, so that one browser can change people: no session outlives it.
  ctx.req.headers.cookie = (ctx.req.headers.cookie ?? '')
    .split('; ')
    .filter((cookie) => !cookie.startsWith('_session'))
    .join('; ');
  if (ctx.path === '/healthz') {
    ctx.body = 'ready';
    return;
  }
  const uid = /^\/sign-in\/([\w-]+)$/.exec(ctx.path)?.[1];
  if (uid === undefined) {
    await next();
    return;
  }
  let details;
  try {
    details = await provider.interactionDetails(ctx.req, ctx.res);
  } catch {
    ctx.status = 400;
    ctx.type = 'html';
    ctx.body = page('Sign-in expired', '<p>Go back to Gridkeep and sign in again.</p>');
    return;
  }
  if (ctx.method === 'POST') {
    const form = new URLSearchParams(await bodyOf(ctx.req));
    if (form.has('cancel')) {
      const result = { error: 'access_denied', error_description: 'Sign-in was cancelled' };
      await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
      ctx.respond = false;
      return;
    }
    const email = (form.get('email') ?? '').trim().toLowerCase();
    if (/^[^\s@]+@[^\s@]+$/.test(email)) {
      const result = { login: { accountId: subjectOf(email), remember: false } };
      await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
      ctx.respond = false;
      return;
    }
    ctx.status = 400;
  }
  ctx.type = 'html';
  ctx.set('Cache-Control', 'no-store');
  ctx.body = signInPage(details.params.login_hint ?? '');
});

/** The form's body; a few hundred bytes at most, whatever is sent. */
async function bodyOf(request) {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > 4096) return '';
  }
  return body;
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

function signInPage(hint) {
  const people = config.people
    .map(
      ({ email, name }) =>
        `<button name="email" value="${escape(email)}"><b>${escape(name)}</b><span>${escape(email)}</span></button>`,
    )
    .join('');
  return page(
    'Sign in',
    `<p>This page stands in for Google while you run Gridkeep on your own machine. Any address will do.</p>
     <form method="post"><label for="email">Email</label>
     <input id="email" name="email" type="email" required autofocus autocomplete="email" value="${escape(hint)}">
     <button class="primary" type="submit">Continue</button></form>
     <form method="post" class="people" aria-label="Sample sign-ins">${people}</form>
     <form method="post"><button name="cancel" value="1" class="quiet">Cancel</button></form>`,
  );
}

function page(title, body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{display:grid;place-items:center;min-height:100vh;margin:0;background:Canvas}
main{width:min(22rem,calc(100vw - 2rem))}
h1{font-size:1.4rem;margin:0 0 .5rem}
form{display:grid;gap:.5rem;margin:1rem 0}
input,button{font:inherit;padding:.55rem .75rem;border:1px solid color-mix(in srgb,CanvasText 30%,Canvas);border-radius:6px;background:Canvas;color:CanvasText}
button{cursor:pointer}
.primary{background:#1f5fd0;border-color:#1f5fd0;color:#fff}
.people button{display:flex;justify-content:space-between;gap:1rem}
.people span{opacity:.75}
.quiet{border-color:transparent}
</style></head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}

const server = provider.listen(new URL(config.issuer).port, '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
