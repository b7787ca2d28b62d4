-- wrk's side of the benches over HTTP: each thread sends its own requests, made beforehand, each once, and checks each answer:
-- a 200 that tells (by a pattern) what one of this thread's requests was to tell, and no other answer before has told.
-- A line has five members: path, authorization, proof ("-": none), body, and what the pattern finds in the right answer.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  threads[#threads + 1] = thread
end

function init(args)
  asked, good, bad, wanted, requests = 0, 0, 0, {}, {}
  if not args[1] then return end -- hello: no file, nothing to check
  pattern = args[2]
  for line in io.lines(args[1] .. "." .. number) do
    local path, authorization, proof, body, told = line:match("^([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)$")
    local headers = { ["Authorization"] = authorization, ["Content-Type"] = "application/json" }
    if proof ~= "-" then headers["DPoP"] = proof end
    requests[#requests + 1] = wrk.format("POST", path, headers, body)
    wanted[told] = true
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
  local right = status == 200
  if right and #requests > 0 then
    local told = table.concat({ body:match(pattern) }, " ")
    right, wanted[told] = wanted[told], nil
  end
  if right then good = good + 1 else bad = bad + 1 end
end

function done(summary, latency)
  local right, wrong = 0, 0
  for _, thread in ipairs(threads) do
    right = right + thread:get("good")
    wrong = wrong + thread:get("bad")
  end
  io.write(string.format('\nRESULT {"seconds": %f, "good": %d, "bad": %d, "p50": %d, "p99": %d}\n',
    summary.duration / 1e6, right, wrong, latency:percentile(50), latency:percentile(99)))
end
