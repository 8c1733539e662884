import { execFileSync } from 'node:child_process';

import { defineConfig } from '@playwright/test';

// Debian's own Chromium: nothing is downloaded. As root it runs without its sandbox.
const chromium = process.env.CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();

export default defineConfig({
  testDir: 'e2e',
  timeout: 180_000,
  expect: { timeout: 15_000 },
  // Two at most: e2e/steps.ts has a person for each.
  workers: 2,
  // A browser that stalls once is named as flaky; what is wrong is wrong twice.
  retries: process.env.CI ? 1 : 0,
  reporter: [['list']],
  use: {
    baseURL: process.env.GRIDKEEP_URL ?? 'http://localhost:8080',
    viewport: { width: 1440, height: 900 },
    trace: 'retain-on-failure',
    launchOptions: { executablePath: chromium, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] },
  },
});
