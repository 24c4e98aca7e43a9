// func spinHint()
TEXT ·spinHint(SB),4, $0-0
	PAUSE
	RET
