import 'element-plus/theme-chalk/base.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import 'maplibre-gl/dist/maplibre-gl.css'
import './styles/tokens.css'
import './styles/page.css'
import './styles/tools.css'
import './styles/facts.css'
import './styles/edit.css'
import './styles/account.css'

import { createApp } from 'vue'

import App from './App.vue'
import { i18n } from './i18n'

createApp(App).use(i18n).mount('#app')
