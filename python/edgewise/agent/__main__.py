"""Run an agent with the settings that its supervisor left in the environment."""

from edgewise.agent.process import main
from edgewise.agent.settings import AgentSettings

main(AgentSettings.take_over())
