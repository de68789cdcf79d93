# resque-web: rackup interop/ruby/config.ru -p 5678 -E production
require_relative "setup"
require "resque/server"

begin
  require "resque/scheduler/server" # the tabs Schedule and Delayed
rescue LoadError
  warn "resque-scheduler is not installed: no tabs for it"
end

run Resque::Server.new
