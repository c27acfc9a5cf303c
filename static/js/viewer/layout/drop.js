// Series dragged from the strip into a viewport.

const TYPE = 'application/x-lightbox-stack';

/** Entries with data-stack can be dragged. */
export function dragsFrom(strip) {
  strip.addEventListener('dragstart', (event) => {
    const entry = event.target.closest?.('[data-stack]');
    if (!entry) return;
    event.dataTransfer.setData(TYPE, entry.dataset.stack);
    event.dataTransfer.effectAllowed = 'copy';
    const shot = entry.querySelector('.shot');
    event.dataTransfer.setDragImage(shot, shot.clientWidth / 2, shot.clientHeight / 2);
  });
}

/** @param {HTMLElement} stage @param {(element: HTMLElement, key: string) => void} dropped on which viewport, which stack */
export function dropsOn(stage, dropped) {
  let over = null;
  const mark = (element) => {
    if (over === element) return;
    over?.removeAttribute('data-over');
    element?.setAttribute('data-over', '');
    over = element;
  };
  stage.addEventListener('dragover', (event) => {
    const viewport = event.target.closest('.viewport');
    if (!viewport || !event.dataTransfer.types.includes(TYPE)) return mark(null);
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    return mark(viewport);
  });
  stage.addEventListener('dragleave', (event) => !stage.contains(event.relatedTarget) && mark(null));
  stage.addEventListener('drop', (event) => {
    const key = event.dataTransfer.getData(TYPE);
    const viewport = event.target.closest('.viewport');
    mark(null);
    if (!key || !viewport) return;
    event.preventDefault();
    dropped(viewport, key);
  });
}
