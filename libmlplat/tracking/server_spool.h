/* Where the journals of a store on a server wait. */
#ifndef MLP_SERVER_SPOOL_H
#define MLP_SERVER_SPOOL_H

/* Below the user's state folder, by the store's address. The caller's; NULL: no memory. */
char *mlp_server_spool_folder(const char *address);

#endif
