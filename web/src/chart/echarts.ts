/** The parts of ECharts that the page draws with; loaded when the first chart is shown. */
import { BarChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import { init, use, type EChartsType } from 'echarts/core'
// On a canvas: the SVG renderer writes style elements, which the page's policy forbids.
import { CanvasRenderer } from 'echarts/renderers'

use([BarChart, LineChart, ScatterChart, GridComponent, TooltipComponent, CanvasRenderer])

export { init, type EChartsType }
