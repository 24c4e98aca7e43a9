"""What threads waited for, by the sched events of the guest's kernel."""
