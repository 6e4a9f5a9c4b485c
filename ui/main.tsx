import { render } from 'preact';
import './app.css';
import { App } from './app.tsx';
import { keepConnected } from './connection.ts';
import { followLinks } from './router.ts';
import { keepStacked } from './stacking.ts';
import { keepTheme } from './theme.ts';

const page = document.getElementById('page');
if (page === null) throw new Error('the shell has no element #page');
keepTheme();
keepStacked();
followLinks();
await keepConnected();
// What the shell says while nothing is known.
page.replaceChildren();
render(<App />, page);
