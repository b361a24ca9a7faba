import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/figures.css';
import './styles/forms.css';
import './styles/table.css';
import './styles/charts.css';
import { startStream } from './data/stream.ts';
import { startRouter } from './ui/route.ts';
import { App } from './ui/shell/app.tsx';
import { startTelling } from './ui/shell/told.ts';
import { startTheme } from './ui/theme.ts';

startTheme();
startRouter();
startTelling();
startStream();

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
