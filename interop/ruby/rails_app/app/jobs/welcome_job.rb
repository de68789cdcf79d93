# Python runs it, and sends GreetedJob.
class WelcomeJob < ApplicationJob
end
