from envcheck.entry import main

main()
