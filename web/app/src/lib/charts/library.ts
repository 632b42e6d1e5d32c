// The chart library with its style sheet, in a file of its own so that it is fetched only when a chart is shown.

import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';

export { uPlot };
