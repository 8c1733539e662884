import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useMatch, useNavigate, useParams } from '@tanstack/react-router';
import { FileUp, LogOut, Monitor, Moon, PanelLeftClose, PanelLeftOpen, Search, Sun, Table2, Upload, Users, WifiOff } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';

import { IconButton } from '@/components/button';
import { Notices } from '@/components/notices';
import { datasetsQuery } from '@/features/datasets/api';
import { useRecent } from '@/features/datasets/recent';
import type { Action } from '@/features/palette/components/palette';
import { meQuery, signOut } from '@/features/session/api';
import { Dock } from '@/features/uploads/components/dock';
import { DropTarget } from '@/features/uploads/components/drop-target';
import { chooseFiles, useIntent } from '@/features/uploads/drop-intent';
import { onFinished } from '@/features/uploads/upload-store';
import { store, useStoredText } from '@/lib/stored';
import { setTheme, useTheme } from '@/lib/theme';
import { useOnline } from '@/lib/use-online';

import type { ThemeChoice } from './theme-menu';

// What nobody sees at first comes when it is asked for; the theme's menu right after the page.
const Palette = lazy(() => import('@/features/palette/components/palette').then((module) => ({ default: module.Palette })));
const UploadDialog = lazy(() => import('@/features/uploads/components/upload-dialog').then((module) => ({ default: module.UploadDialog })));
const ThemeMenu = lazy(() => import('./theme-menu').then((module) => ({ default: module.ThemeMenu })));

const THEMES: readonly ThemeChoice[] = [
  { id: 'light', label: 'Light', icon: Sun },
  { id: 'dark', label: 'Dark', icon: Moon },
  { id: 'system', label: 'As the system', icon: Monitor },
];

export function Frame() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const params = useParams({ strict: false });
  const online = useOnline();
  const theme = useTheme();
  const intent = useIntent();
  const [palette, setPalette] = useState(false);
  const folded = useStoredText('rail-folded') === 'true';
  const me = useQuery(meQuery);
  const { data: datasets } = useQuery(datasetsQuery);
  const recentIds = useRecent();
  const all = useMemo(() => datasets ?? [], [datasets]);
  const recent = useMemo(() => {
    const known = recentIds.flatMap((id) => all.filter((dataset) => dataset.id === id));
    return [...known, ...all.filter((dataset) => !known.includes(dataset))].slice(0, 12);
  }, [recentIds, all]);
  const previewed = useMatch({ from: '/frame/uploads/$id/preview', shouldThrow: false })?.params.id ?? null;
  const openDataset = params.id?.startsWith('dst_') ? params.id : null;

  useEffect(
    () =>
      onFinished((upload) => {
        void client.invalidateQueries({ queryKey: ['datasets'] });
        void client.invalidateQueries({ queryKey: ['dataset', upload.dataset_id] });
        void client.invalidateQueries({ queryKey: ['uploads'], refetchType: 'active' });
        void client.invalidateQueries({ queryKey: ['upload', upload.id] });
      }),
    [client],
  );

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setPalette((open) => !open);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  const leave = async (): Promise<void> => {
    await signOut().catch(() => undefined);
    client.clear();
    window.location.assign('/sign-in');
  };

  const actions: Action[] = [
    { id: 'upload', label: 'Upload a file', icon: <FileUp size={15} aria-hidden />, run: () => chooseFiles(openDataset) },
    { id: 'datasets', label: 'Go to datasets', icon: <Table2 size={15} aria-hidden />, run: () => void navigate({ to: '/' }) },
    { id: 'uploads', label: 'Go to uploads', icon: <Upload size={15} aria-hidden />, run: () => void navigate({ to: '/uploads' }) },
    { id: 'users', label: 'Go to users', icon: <Users size={15} aria-hidden />, run: () => void navigate({ to: '/users' }) },
    ...THEMES.map(({ id, label, icon: Icon }) => ({ id: `theme-${id}`, label: `Theme: ${label}`, icon: <Icon size={15} aria-hidden />, run: () => setTheme(id) })),
    { id: 'sign-out', label: 'Sign out', icon: <LogOut size={15} aria-hidden />, run: () => void leave() },
  ];
  const ThemeIcon = THEMES.find(({ id }) => id === theme)?.icon ?? Monitor;
  const pages = [
    { to: '/' as const, label: 'Datasets', icon: Table2 },
    { to: '/uploads' as const, label: 'Uploads', icon: Upload },
    { to: '/users' as const, label: 'Users', icon: Users },
  ];

  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <nav className={`rail ${folded ? 'folded' : ''}`} aria-label="Gridkeep">
        <div className="rail-head">
          <img src="/favicon.svg" alt="" />
          {folded ? null : <span className="grow">Gridkeep</span>}
        </div>
        <div className="rail-search">
          <button type="button" aria-label="Find a dataset or an action" onClick={() => setPalette(true)}>
            <Search size={14} aria-hidden />
            {folded ? null : (
              <>
                Find <kbd>Ctrl K</kbd>
              </>
            )}
          </button>
        </div>
        {pages.map(({ to, label, icon: Icon }) => (
          <Link key={to} to={to} className="rail-link" activeOptions={{ exact: to === '/' }} title={folded ? label : undefined} aria-label={label}>
            <Icon size={16} aria-hidden />
            {folded ? null : label}
          </Link>
        ))}
        <div className="rail-list">
          {folded || recent.length === 0 ? null : <div className="rail-label">Recent</div>}
          {folded
            ? null
            : recent.map((dataset) => (
                <Link key={dataset.id} to="/datasets/$id" params={{ id: dataset.id }} className="rail-link" title={dataset.name}>
                  <span className="cut">{dataset.name}</span>
                </Link>
              ))}
        </div>
        <div className="rail-foot">
          <IconButton label={folded ? 'Unfold the rail' : 'Fold the rail'} onPress={() => store('rail-folded', !folded)}>
            {folded ? <PanelLeftOpen size={16} aria-hidden /> : <PanelLeftClose size={16} aria-hidden />}
          </IconButton>
          <Suspense fallback={<IconButton label="Theme" isDisabled><ThemeIcon size={16} aria-hidden /></IconButton>}>
            <ThemeMenu themes={THEMES} theme={theme} icon={ThemeIcon} />
          </Suspense>
          {folded ? null : (
            <span className="cut grow small faint" title={me.data?.email}>
              {me.data?.name}
            </span>
          )}
          <IconButton label="Sign out" onPress={() => void leave()}>
            <LogOut size={16} aria-hidden />
          </IconButton>
        </div>
      </nav>
      <main className="main" id="main" tabIndex={-1}>
        {online ? null : (
          <div className="offline-band" role="status">
            <WifiOff size={15} aria-hidden /> You are offline. What you see is from before; it goes on when the connection is back.
          </div>
        )}
        <Outlet />
      </main>
      <nav className="bottom-bar" aria-label="Pages">
        {pages.map(({ to, label, icon: Icon }) => (
          <Link key={to} to={to} activeOptions={{ exact: to === '/' }}>
            <Icon size={18} aria-hidden />
            {label}
          </Link>
        ))}
        <button type="button" onClick={() => setPalette(true)}>
          <Search size={18} aria-hidden />
          Find
        </button>
      </nav>
      <Dock hidden={previewed} />
      <Notices />
      <DropTarget datasetId={openDataset} />
      <Suspense>
        {intent ? <UploadDialog key={intent.files.map((file) => file.name).join('|')} intent={intent} datasets={all} /> : null}
        {palette ? (
          <Palette
            isOpen
            onClose={() => setPalette(false)}
            datasets={all}
            actions={actions}
            onDataset={(id) => void navigate({ to: '/datasets/$id', params: { id } })}
          />
        ) : null}
      </Suspense>
    </div>
  );
}
