/** All pages of a browser listen to one stream: a browser has few connections to a service. */
import { Exchange, type Wish } from '@/lib/stream'

const exchange = new Exchange()

// The types of the page know no shared worker from within.
const scope = self as unknown as { onconnect: (event: MessageEvent) => void }
scope.onconnect = ({ ports: [port] }) => {
  if (!port) return
  port.onmessage = ({ data }: MessageEvent<Wish>) => {
    if ('join' in data) exchange.join(data.join, port, data.after)
    else exchange.leave(port)
  }
}
