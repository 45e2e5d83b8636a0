-- Ask for the requests of a file in their order, again and again; one line of JSON at the end.
local requests, place = {}, 0

function init(arguments)
    for line in io.lines(arguments[1]) do
        local method, path, token, body = line:match("^(%u+)\t([^\t]+)\t?([^\t]*)\t?(.*)$")
        local headers = {["Accept-Encoding"] = "gzip"}
        if body ~= "" then
            headers["Authorization"] = "Bearer " .. token
            headers["Content-Type"] = "application/json"
        end
        requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
    end
end

function request()
    place = place % #requests + 1
    return requests[place]
end

function done(summary, latency)
    local failed = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"bytes":%d,"p50_ms":%.3f,"p95_ms":%.3f,"failed":%d}\n',
        summary.requests, summary.duration / 1e6, summary.bytes,
        latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
        failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
