/** A question that must be answered before anything goes on; one at a time. */
import { shallowRef } from 'vue'

export interface Question {
  title: string
  text: string
  yes: string
  no: string
  /** Whether saying yes loses something. */
  grave?: boolean
}

export const question = shallowRef<(Question & { answer: (yes: boolean) => void }) | null>(null)

export function ask(asked: Question): Promise<boolean> {
  question.value?.answer(false)
  return new Promise((resolve) => {
    question.value = {
      ...asked,
      answer: (yes) => {
        question.value = null
        resolve(yes)
      },
    }
  })
}
