import { createI18n } from 'vue-i18n'

import { en as enAccount, zh as zhAccount } from './locales/account'
import { en as enAudit, zh as zhAudit } from './locales/audit'
import en from './locales/en'
import { en as enJobs, zh as zhJobs } from './locales/jobs'
import { en as enPast, zh as zhPast } from './locales/past'
import zh from './locales/zh'

export const i18n = createI18n({
  legacy: false,
  locale: 'zh',
  fallbackLocale: 'zh',
  messages: {
    zh: { ...zh, ...zhPast, ...zhAccount, ...zhAudit, ...zhJobs },
    en: { ...en, ...enPast, ...enAccount, ...enAudit, ...enJobs },
  },
})
