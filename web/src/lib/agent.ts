/** What a browser calls itself, in words that people know. */
const BROWSERS: [RegExp, string][] = [
  [/Edg\/(\d+)/, 'Edge'],
  [/MicroMessenger\/([\d.]+)/, 'WeChat'],
  [/QQBrowser\/(\d+)/, 'QQ Browser'],
  [/Firefox\/(\d+)/, 'Firefox'],
  [/Chrome\/(\d+)/, 'Chrome'],
  [/Version\/(\d+).*Safari/, 'Safari'],
]
const SYSTEMS: [RegExp, string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
]

export function browserOf(agent: string | null): string {
  if (!agent) return '—'
  const browser = BROWSERS.map(([sign, name]) => (sign.test(agent) ? `${name} ${sign.exec(agent)?.[1] ?? ''}`.trim() : null)).find(Boolean)
  const system = SYSTEMS.find(([sign]) => sign.test(agent))?.[1]
  return [browser ?? agent.slice(0, 40), system].filter(Boolean).join(' · ')
}
