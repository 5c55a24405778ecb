"""What tests of leaving, slowness and the end share: an Azure that holds on, and a worker that is watched."""
