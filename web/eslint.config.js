import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Imports point one way: shared (lib, components) → features → routes. */
const upward = (...patterns) => ({
  'no-restricted-imports': [
    'error',
    { patterns: [{ group: [...patterns, '../../*'], message: 'Imports point one way: shared → features → routes.' }] },
  ],
});

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'test-results', 'src/lib/api/schema.d.ts'] },
  js.configs.recommended,
  { files: ['**/*.{ts,tsx}'], extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked], languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  hooks.configs.flat['recommended-latest'],
  {
    files: ['**/*.{ts,tsx}'],
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
    },
  },
  { files: ['scripts/**', 'public/**'], languageOptions: { globals: { URL: 'readonly', process: 'readonly', console: 'readonly', localStorage: 'readonly', document: 'readonly', matchMedia: 'readonly' } } },
  { files: ['src/lib/**', 'src/components/**'], rules: upward('@/features/*', '@/features/**', '@/routes/*') },
  { files: ['src/features/**'], rules: upward('@/routes/*', '@/routes/**') },
);
