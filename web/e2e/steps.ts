// What a person does, for all the tests.
import { expect, type Locator, type Page } from '@playwright/test';

/** Signs in through the OpenID provider of the stack; GRIDKEEP_E2E_USER names one of the sample sign-ins. */
export async function signIn(page: Page, path = '/'): Promise<void> {
  await page.goto(path);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Email').fill(process.env.GRIDKEEP_E2E_USER ?? 'ada@example.com');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('navigation', { name: 'Gridkeep' })).toBeVisible();
}

type Files = string | { name: string; mimeType: string; buffer: Buffer };

/** Uploads into a new dataset and gives the dock's card. */
export async function uploadNew(page: Page, file: Files, name: string): Promise<Locator> {
  await page.goto('/');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Upload a file' }).first().click();
  await (await chooser).setFiles(file);
  await page.getByLabel('Name of the dataset').fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Upload', exact: true }).click();
  return page.getByTestId('upload-card').first();
}

export const csv = (name: string, text: string | Buffer): Files => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

/** The texts of a row's cells that are in the document, by column name. */
export async function cellAt(page: Page, row: number, column: string): Promise<string> {
  const grid = page.getByRole('grid');
  const header = grid.getByRole('columnheader', { name: new RegExp(`(^|\\s)${column}$`) });
  const index = await header.getAttribute('aria-colindex');
  const cell = grid.locator(`[role="row"][aria-rowindex="${row + 1}"] [aria-colindex="${index ?? ''}"]`);
  await expect(cell.locator('.grid-bone')).toHaveCount(0);
  return (await cell.innerText()).trim();
}
