import { useState } from 'preact/hooks';
import type { Session } from '../../engine/api.ts';
import { ApiFailure, paths, post } from '../api.ts';
import { reopen, takeSession } from '../connection.ts';
import { Failure } from '../parts/messages.tsx';

/** Asks for a token, which becomes a cookie that scripts cannot read. */
export function LoginPage() {
  const [token, setToken] = useState('');
  const [failure, setFailure] = useState<ApiFailure>();
  const [busy, setBusy] = useState(false);
  const login = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      takeSession(await post<Session>(paths.session, { token: token.trim() }));
      reopen();
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="login"
      onSubmit={(event) => {
        event.preventDefault();
        void login();
      }}
    >
      <h1>This daemon asks for a token</h1>
      <p class="quiet">
        From another machine every page and every question needs one. On the daemon's machine,{' '}
        <span class="name">engine token create NAME</span> makes one and shows it once.
      </p>
      <label>
        token
        <input
          type="password"
          name="token"
          autocomplete="current-password"
          spellcheck={false}
          required
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      {failure === undefined ? null : <Failure what="Not let in" failure={failure} />}
      <div class="acts">
        <button type="submit" class="strong" disabled={busy}>
          log in
        </button>
      </div>
    </form>
  );
}
