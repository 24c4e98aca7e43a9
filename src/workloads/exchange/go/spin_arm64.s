// func spinHint()
TEXT ·spinHint(SB),4, $0-0
	YIELD
	RET
