/** Opens the system's file chooser; `undefined` lets every kind of file be chosen. */
export function pickFiles(onChosen: (files: File[]) => void, { multiple = false, accept }: { multiple?: boolean; accept?: string } = {}): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = multiple;
  if (accept !== undefined) input.accept = accept;
  input.style.display = 'none';
  input.dataset.testid = 'file-input';
  input.onchange = () => {
    const files = [...(input.files ?? [])];
    input.remove();
    if (files.length > 0) onChosen(files);
  };
  input.oncancel = () => input.remove();
  document.body.append(input);
  input.click();
}
