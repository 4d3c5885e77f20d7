-- What wrk asks for, and how it reports.
--
-- Without an argument every request is the one of the URL, which wrk prepares once. With an argument N, each
-- request is for one of the N files of the spread tree, chosen at random with a fixed seed, so that
-- every server meets the same sequence; the requests are prepared beforehand, so that choosing costs little.

local function spread_requests(count)
  local prepared = {}
  for i = 0, count - 1 do
    local path = string.format("/small/spread/%02d/%02d.bin", math.floor(i / 100), i % 100)
    prepared[i + 1] = wrk.format("GET", path)
  end
  return prepared
end

function init(args)
  local count = tonumber(args[1])
  if not count then return end
  local prepared = spread_requests(count)
  math.randomseed(1)
  request = function() return prepared[math.random(count)] end
end

-- One line that a program reads: requests, bytes, microseconds, and the errors by kind.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "measured requests=%.0f bytes=%.0f microseconds=%.0f connect=%.0f read=%.0f write=%.0f status=%.0f timeout=%.0f\n",
    summary.requests, summary.bytes, summary.duration,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
