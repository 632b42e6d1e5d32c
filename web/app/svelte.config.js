import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    // The server sends the .gz made here to browsers that take it.
    // One shell for every address: the server answers unknown paths with it, the router in the page does the rest.
    adapter: adapter({ fallback: 'index.html', precompress: true }),
    // Absolute asset paths, because the shell is served at any depth.
    paths: { relative: false },
  },
};
