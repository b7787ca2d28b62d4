-- wrk's side of the bench `route`: each thread asks about its own distinct numbers, made beforehand, and checks each answer:
-- a 200, a connection to the right phone, shown as the number that was dialled, not heard of before.
local threads, all = 0, {}

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
  all[#all + 1] = thread
end

function init(args)
  asked, good, bad, wanted, requests = 0, 0, 0, {}, {}
  if not args[1] then return end -- hello: no file, nothing to check
  for line in io.lines(args[1] .. "." .. number) do
    local token, caller, main, extension, to = line:match("^(%S+)\t(%S+)\t(%S+)\t(%S+)\t(%S+)$")
    local headers = { ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" }
    local item = '{"caller":"' .. caller .. '","main":"' .. main .. '","extension":"' .. extension .. '"}'
    requests[#requests + 1] = wrk.format("POST", "/v1/calls/route", headers, '{"items":[' .. item .. "]}")
    wanted[main .. "," .. extension] = to
  end
end

function request()
  if #requests == 0 then return wrk.format("GET", "/") end
  asked = asked + 1
  if asked > #requests then
    wrk.thread:stop()
    asked = #requests
  end
  return requests[asked]
end

function response(status, headers, body)
  if #requests == 0 then
    if status == 200 then good = good + 1 else bad = bad + 1 end
    return
  end
  local to, shown = body:match('"connect":{"to":"([^"]+)","shown":"([^"]+)"')
  if status == 200 and shown and wanted[shown] == to then
    wanted[shown] = nil
    good = good + 1
  else
    bad = bad + 1
  end
end

function done(summary, latency)
  local right, wrong = 0, 0
  for _, thread in ipairs(all) do
    right = right + thread:get("good")
    wrong = wrong + thread:get("bad")
  end
  io.write(string.format('\nRESULT {"seconds": %f, "good": %d, "bad": %d}\n', summary.duration / 1e6, right, wrong))
end
