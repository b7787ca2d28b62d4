-- wrk's side of the bench `resolve`: each thread asks for its own distinct labels, made beforehand, and checks each
-- answer: a 200, a grant, and the door of a parcel that this thread has asked for and not heard of yet.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  asked, good, bad, wanted, requests = 0, 0, 0, {}, {}
  if not args[1] then return end -- hello: no file, nothing to check
  for line in io.lines(args[1] .. "." .. number) do
    local token, proof, body, door = line:match("^(%S+)\t(%S+)\t(%S+)\t(%S+)$")
    local headers = { ["Authorization"] = "DPoP " .. token, ["DPoP"] = proof, ["Content-Type"] = "application/json" }
    requests[#requests + 1] = wrk.format("POST", "/v1/resolve", headers, body)
    wanted[door] = true
  end
end

function request()
  if #requests == 0 then return wrk.format("GET") end
  asked = asked + 1
  if asked > #requests then
    wrk.thread:stop()
    asked = #requests
  end
  return requests[asked]
end

function response(status, headers, body)
  local door = status == 200 and body:find('"granted"', 1, true) and body:match("号(%d+)栋")
  if #requests == 0 then
    if status == 200 then good = good + 1 else bad = bad + 1 end
  elseif door and wanted[door] then
    wanted[door] = nil
    good = good + 1
  else
    bad = bad + 1
  end
end

local all = {}
local remember = setup
function setup(thread)
  remember(thread)
  all[#all + 1] = thread
end

function done(summary, latency)
  local right, wrong = 0, 0
  for _, thread in ipairs(all) do
    right = right + thread:get("good")
    wrong = wrong + thread:get("bad")
  end
  io.write(string.format('\nRESULT {"seconds": %f, "good": %d, "bad": %d, "p50": %d, "p99": %d}\n',
    summary.duration / 1e6, right, wrong, latency:percentile(50), latency:percentile(99)))
end
