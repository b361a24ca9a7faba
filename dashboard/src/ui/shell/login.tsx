import { useState } from 'preact/hooks';
import { getJson } from '../../data/api.ts';
import { asProblem, type Problem as ProblemData } from '../../data/problem.ts';
import { startStream } from '../../data/stream.ts';
import { Problem } from '../card.tsx';

/** Asks for the operators' token. It goes to the server once and is kept by no script. */
export function Login() {
  const [problem, setProblem] = useState<ProblemData | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    setBusy(true);
    try {
      await getJson<null>('api/login', {
        method: 'POST',
        body: { token: String(new FormData(form).get('token') ?? '') },
      });
      form.reset();
      startStream();
    } catch (thrown) {
      const found = asProblem(thrown);
      setProblem(found.status === 401 ? { ...found, title: 'This token is not the right one.' } : found);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="login card" onSubmit={submit}>
      <h1>Log in</h1>
      <p class="muted">
        This page is for operators of Snakepit. The token is the one set as ops.token or SNAKEPIT_OPS_TOKEN.
      </p>
      <input
        class="visually-hidden"
        type="text"
        name="username"
        autocomplete="username"
        value="operator"
        tabIndex={-1}
        aria-hidden="true"
        readOnly
      />
      <label class="stack tight">
        <span>Token</span>
        <input
          type="password"
          name="token"
          autocomplete="current-password"
          required
          aria-describedby="login-problem"
        />
      </label>
      <div id="login-problem" role="alert">
        {problem && <Problem problem={problem} />}
      </div>
      <button type="submit" class="button primary" disabled={busy}>
        {busy ? 'Logging in' : 'Log in'}
      </button>
    </form>
  );
}
