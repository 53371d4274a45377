import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import './browse.css';
import { Bridges } from './bridges';
import { GroupPage, Groups } from './groups';
import { Alerts, JobPanel, Tiles, Top, Traffic, useStore, Windows } from './panels';
import { link, Route, useRoute } from './route';
import { defaultTop, defaultWindowed } from './shape';
import { Sql } from './sql';
import { isRunning, Store } from './store';
import { TopicPage } from './topic';
import { Topics } from './topics';
import { Transactions } from './transactions';

type Theme = 'auto' | 'light' | 'dark';
const store = new Store();
const dark = matchMedia('(prefers-color-scheme: dark)');

function remembered(): Theme {
  try {
    const t = localStorage.getItem('theme');
    return t === 'light' || t === 'dark' ? t : 'auto';
  } catch {
    return 'auto';
  }
}

function useTheme(): [string, () => void] {
  const [theme, setTheme] = useState<Theme>(remembered);
  const [system, setSystem] = useState(dark.matches);
  useEffect(() => {
    const listen = () => setSystem(dark.matches);
    dark.addEventListener('change', listen);
    return () => dark.removeEventListener('change', listen);
  }, []);
  const shown = theme === 'auto' ? (system ? 'dark' : 'light') : theme;
  document.documentElement.dataset.theme = shown;
  const toggle = () => {
    const next = shown === 'dark' ? 'light' : 'dark';
    try {
      localStorage.setItem('theme', next);
    } catch {
      // not remembered, that is all
    }
    setTheme(next);
  };
  return [shown, toggle];
}

const STATUS = { connecting: 'Connecting', live: 'Live', lost: 'Connection lost, trying again' };

const PAGES = [['', 'Overview'], ['topics', 'Topics'], ['groups', 'Groups'], ['transactions', 'Transactions'], ['bridges', 'Bridges']];

function Header({ theme, toggle, at }: { theme: string; toggle: () => void; at: string }) {
  useStore(store);
  const o = store.overview;
  const running = o?.jobs.filter(isRunning).length ?? 0;
  return (
    <header class="top-bar">
      <a class="brand" href="/" aria-label="Quickwater, start page">
        <svg viewBox="0 0 32 20" width="32" height="20" aria-hidden="true">
          <path d="M2 7c4.7-5.3 9.3-5.3 14 0s9.3 5.3 14 0M2 15c4.7-5.3 9.3-5.3 14 0s9.3 5.3 14 0" />
        </svg>
        Quickwater
      </a>
      <nav class="pages" aria-label="Pages">
        {PAGES.map(([id, title]) => (
          <a key={id} href={link(id ? [id] : [])} aria-current={at === id ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <span class={`status ${store.connection}`} role="status" data-status={store.connection}>
        <i aria-hidden="true" />
        {STATUS[store.connection]}
      </span>
      <span class="spacer" />
      {store.principal && <span class="quiet wide-only">{store.principal.replace(/^User:/, '')}</span>}
      {o && (
        <span class="quiet wide-only">
          {running} of {o.jobs.length} {o.jobs.length === 1 ? 'job' : 'jobs'} running
        </span>
      )}
      {store.version && <span class="quiet wide-only">{store.version}</span>}
      <button class="theme" onClick={toggle} aria-label={`Change to the ${theme === 'dark' ? 'light' : 'dark'} theme`}>
        <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
          <circle cx="10" cy="10" r="6.5" fill="none" stroke="currentColor" stroke-width="1.6" />
          <path d="M10 3.5a6.5 6.5 0 0 1 0 13z" fill="currentColor" />
        </svg>
      </button>
    </header>
  );
}

/** The dashboard: figures, views, jobs, SQL. */
function Overview({ theme }: { theme: string }) {
  useStore(store);
  const [job, setJob] = useState('');
  const [windowed, setWindowed] = useState('');
  const [top, setTop] = useState('');
  const jobs = store.overview?.jobs ?? [];
  const views = store.views ?? [];
  const jobName = jobs.some((j) => j.name === job) ? job : (jobs.find(isRunning) ?? jobs[0])?.name ?? '';
  const has = (name: string) => views.some((v) => v.name === name);
  const windowedName = has(windowed) ? windowed : defaultWindowed(views);
  const topName = has(top) ? top : defaultTop(views);
  useEffect(() => store.want(jobName, [windowedName, topName]), [jobName, windowedName, topName]);
  if (!store.admin)
    return (
      <section class="panel full">
        <p class="empty">
          {store.principal.replace(/^User:/, '')} may use topics, groups and transactions as far as the ACLs let. Figures, views, jobs and SQL are for who may
          alter the cluster.
        </p>
      </section>
    );
  return (
    <>
      <Tiles store={store} />
      <Windows store={store} theme={theme} name={windowedName} onName={setWindowed} />
      <Top store={store} name={topName} onName={setTop} />
      <Traffic store={store} theme={theme} />
      <JobPanel store={store} name={jobName} onName={setJob} />
      <Alerts store={store} />
      <Sql />
    </>
  );
}

function Page({ route, theme }: { route: Route; theme: string }) {
  const [page, name, tab] = route.parts;
  if (page === 'topics') return name === undefined ? <Topics /> : <TopicPage key={name} store={store} name={name} tab={tab ?? ''} route={route} />;
  if (page === 'groups') return name === undefined ? <Groups /> : <GroupPage key={name} name={name} />;
  if (page === 'transactions') return <Transactions />;
  if (page === 'bridges') return <Bridges />;
  return <Overview theme={theme} />;
}

const isPage = (at: string) => PAGES.some(([id]) => id === at);

function App() {
  const [theme, toggle] = useTheme();
  const route = useRoute();
  const at = isPage(route.parts[0] ?? '') ? (route.parts[0] ?? '') : '';
  useEffect(() => {
    if (at) store.want('', []);
    document.title = [...route.parts.slice(0, 2).reverse(), 'Quickwater'].filter((t) => t && t !== 'main').join(' · ');
  }, [at, route.parts[1]]);
  useEffect(() => scrollTo(0, 0), [route.parts.join('/')]);
  return (
    <>
      <button
        class="skip"
        onClick={() => document.querySelector<HTMLElement>('main')!.focus()}
      >
        Skip to the page
      </button>
      <Header theme={theme} toggle={toggle} at={at} />
      <main id="main" tabIndex={-1}>
        <h1 class="hidden">Quickwater dashboard</h1>
        <Page route={route} theme={theme} />
      </main>
    </>
  );
}

render(<App />, document.getElementById('app')!);
