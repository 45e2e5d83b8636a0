-- Ask for the addresses of a file in random order, and print one line of JSON at the end.
local addresses = {}

function init(arguments)
    for line in io.lines(arguments[1]) do
        addresses[#addresses + 1] = wrk.format("GET", line)
    end
    math.randomseed(20261012)
end

function request()
    return addresses[math.random(#addresses)]
end

function done(summary, latency)
    local failed = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"bytes":%d,"p50_ms":%.3f,"p95_ms":%.3f,"failed":%d}\n',
        summary.requests, summary.duration / 1e6, summary.bytes,
        latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
        failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
