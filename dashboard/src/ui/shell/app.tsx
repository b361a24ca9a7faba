import { useEffect, useState } from 'preact/hooks';
import { connection } from '../../data/store.ts';
import { announcement } from '../announce.ts';
import { Banner } from './banner.tsx';
import { Header } from './header.tsx';
import { Help } from './help.tsx';
import { startKeys } from './keys.ts';
import { Login } from './login.tsx';
import { Nav } from './nav.tsx';
import { CurrentView } from './views.tsx';

export function App() {
  const [help, setHelp] = useState(false);
  useEffect(() => startKeys(() => setHelp(true)), []);
  const needsLogin = connection.value.kind === 'login';
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header onHelp={() => setHelp(true)} />
      {!needsLogin && <Nav />}
      <Banner />
      <main id="main" class="main" tabIndex={-1}>
        {needsLogin ? <Login /> : <CurrentView />}
      </main>
      <div class="visually-hidden" aria-live="polite" role="status">
        {announcement.value}
      </div>
      <Help open={help} onClose={() => setHelp(false)} />
    </>
  );
}
