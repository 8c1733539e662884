(() => {
  const wanted = localStorage.getItem('gridkeep.theme') ?? 'system';
  const dark = wanted === 'dark' || (wanted === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
