// Write src/api/schema.ts: the types of what the page asks of the service, from its OpenAPI.
// Usage: npm run api             (--check only tells whether the file is up to date)
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import openapiTS, { astToString } from 'openapi-typescript'

const web = join(dirname(fileURLToPath(import.meta.url)), '..')
const target = join(web, 'src', 'api', 'schema.ts')
// Words change often and mean nothing to a compiler.
const WORDS = new Set(['description', 'summary', 'example', 'examples', 'tags', 'title'])
const ELSEWHERE = /^\/(ogc|docs|healthz|readyz|tiles\/imagery|tiles\/\{layer\}\/)/

function described() {
  const program = [
    'import json',
    'from api.app import create_app',
    'from api.session import Config',
    'print(json.dumps(create_app(Config("postgresql://nowhere")).openapi()))',
  ].join('\n')
  const python = process.env.PYTHON ?? join(web, '..', '.venv', 'bin', 'python')
  return JSON.parse(execFileSync(python, ['-c', program], { cwd: join(web, '..'), maxBuffer: 1e9 }))
}

/** The document without words; names of properties are kept, whatever they are. */
function bare(value, named = false) {
  if (Array.isArray(value)) return value.map((each) => bare(each))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => named || !WORDS.has(key))
      .map(([key, each]) => [key, bare(each, !named && (key === 'properties' || key === 'paths'))]),
  )
}

/** Keep successful answers in JSON: errors are read as problems, whatever they say. */
function answered(path) {
  const get = path.get
  const ok = get.responses?.['200']?.content?.['application/json']
  return {
    get: {
      parameters: get.parameters,
      responses: { 200: { description: '', content: { 'application/json': ok ?? { schema: {} } } } },
    },
  }
}

const whole = described()
const paths = Object.fromEntries(
  Object.entries(whole.paths)
    .filter(([path, item]) => item.get && !ELSEWHERE.test(path))
    .map(([path, item]) => [path, answered(item)]),
)
const document = { openapi: whole.openapi, info: { title: '', version: '' }, paths: bare(paths, true) }
const head = '/* Made from the OpenAPI document of the service by `npm run api`; do not edit. */\n\n'
const text = head + astToString(await openapiTS(JSON.stringify(document), { defaultNonNullable: false }))
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('src/api/schema.ts is out of date: run `npm run api` in web/')
    process.exit(1)
  }
} else {
  writeFileSync(target, text)
}
