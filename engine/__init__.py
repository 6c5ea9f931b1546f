"""The engine: runs BPMN diagrams, and is the only room that knows SpiffWorkflow. It knows nothing of customs."""
