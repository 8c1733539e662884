import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `gridkeep dev` runs this server in front of its own API; by hand, GRIDKEEP_URL names any running stack.
const api = process.env.GRIDKEEP_URL ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: { target: 'es2023', sourcemap: false, assetsInlineLimit: 0 },
  server: {
    host: 'localhost',
    port: Number(process.env.GRIDKEEP_WEB_PORT ?? 5173),
    strictPort: true,
    proxy: {
      '/api': {
        target: api,
        changeOrigin: true,
        // The API refuses writes of a foreign origin; here the page's origin is this server's.
        configure: (proxy) => {
          proxy.on('proxyReq', (request) => {
            if (request.getHeader('origin')) request.setHeader('origin', new URL(api).origin);
          });
        },
      },
    },
  },
  // Time enough beside a build on two processors.
  test: { include: ['src/**/*.test.{ts,tsx}'], environment: 'jsdom', testTimeout: 20_000 },
});
