// The form for a token. It covers the page until the gateway accepts one.

import { CopyButton } from './copy.js';
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';

/** The command that makes a token with the key of a gateway on this machine. */
const COMMAND = 'people-gateway token --sub me';

/** `access` has the refusal; `done` is called once the gateway has accepted a token. */
export function SignIn({ access, done }) {
  const dialog = useRef();
  const input = useRef();
  const [attempts, setAttempts] = useState(0);
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current.showModal(), []);
  const { reason, detail } = access.refusal;
  // A missing token is no fault: the form asks for it.
  const fault = reason !== 'missing' && detail;
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    const isAccepted = await access.signIn(input.current.value);
    if (isAccepted) return done();
    setBusy(false);
    setAttempts((count) => count + 1);
    // A refused token is of no use; after an outage the same one may do.
    if (access.refusal.reason) input.current.value = '';
    input.current.focus();
  };
  // The page below is of no use without a token, so the Escape key must not close the form.
  const stay = () => dialog.current?.showModal();
  return html`
    <dialog class="sign-in" ref=${dialog} aria-labelledby="sign-in-title" onClose=${stay}
      onCancel=${(event) => event.preventDefault()}>
      <form method="dialog" onSubmit=${submit} novalidate>
        <h2 id="sign-in-title">This gateway asks for a token</h2>
        ${fault && html`
          <p class="wrong" id="token-fault" role="alert" key=${attempts}>${fault}</p>`}
        <div class="field">
          <label for="token">Paste a token</label>
          <input id="token" ref=${input} autocomplete="off" autocapitalize="off"
            spellcheck=${false} aria-invalid=${Boolean(fault)}
            aria-describedby=${fault ? 'token-fault token-help' : 'token-help'} />
        </div>
        <p class="help" id="token-help">This command makes one:${' '}
          <code>${COMMAND}</code> <${CopyButton} text=${COMMAND} what="command" /></p>
        <p class="quiet">This tab keeps the token until you sign out or close it.</p>
        <div class="buttons"><button class="primary" disabled=${busy}>Sign in</button></div>
      </form>
    </dialog>
  `;
}
