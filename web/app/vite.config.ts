import { sveltekit } from '@sveltejs/kit/vite';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/**
 * SvelteKit's route announcer hides itself with a `style` attribute, which our content security policy refuses. The
 * attribute goes; `#svelte-announcer` in app.css does the same.
 */
function announcerWithoutStyleAttribute(): Plugin {
  return {
    name: 'announcer-without-style-attribute',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('/generated/root.svelte')) return null;
      const stripped = code.replace(/(<div id="svelte-announcer"[^>]*?) style="[^"]*"/, '$1');
      if (stripped === code) this.error('the route announcer has changed: check that it has no style attribute');
      return stripped;
    },
  };
}

export default defineConfig({
  plugins: [announcerWithoutStyleAttribute(), sveltekit()],
  // Fonts stay files: the content security policy has no data: source for them.
  build: { assetsInlineLimit: 0 },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
